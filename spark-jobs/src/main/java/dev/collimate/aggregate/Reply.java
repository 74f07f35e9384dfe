package dev.collimate.aggregate;

import dev.collimate.aggregate.Wire.MalformedException;
import dev.collimate.aggregate.Wire.Reader;
import dev.collimate.aggregate.Wire.Writer;
import dev.collimate.parameters.TreeNode;
import java.nio.ByteBuffer;
import java.util.List;

/** What the driver answers to a {@link Request}. */
sealed interface Reply {

  ByteBuffer encode();

  /** To Arrive: the worker's number. */
  record Arrived(long session) implements Reply {
    static final int TAG = 1;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(session).toBuffer();
    }

    static Arrived read(Reader in) throws MalformedException {
      return new Arrived(in.int64());
    }
  }

  /** Done as asked; to Poll: there is no work yet, ask again; to Await: the blocks are there. */
  record Fine() implements Reply {
    static final int TAG = 2;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  /** The worker may not take part. */
  record Refused(String sentence) implements Reply {
    static final int TAG = 3;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).text(sentence).toBuffer();
    }

    static Refused read(Reader in) throws MalformedException {
      return new Refused(in.text());
    }
  }

  /** The run is over. */
  record Stop() implements Reply {
    static final int TAG = 4;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  /** What a lease asks for. */
  enum Work {
    GRADIENT,
    CALL
  }

  /**
   * To Poll: work.
   *
   * @param round which step or map it belongs to
   * @param format that each leaf's gradient is rounded to
   * @param version of the parameters to compute it with
   * @param size entries of the parameters and of the gradient
   * @param payloads one per leaf of the node
   */
  record Grant(
      long lease,
      long round,
      Work work,
      GradientFormat format,
      long version,
      long size,
      TreeNode node,
      List<byte[]> payloads)
      implements Reply {
    static final int TAG = 5;

    @Override
    public ByteBuffer encode() {
      Writer out =
          new Writer()
              .int8(TAG)
              .int64(lease)
              .int64(round)
              .int8(work == Work.GRADIENT ? 0 : 1)
              .int8(format == GradientFormat.FLOAT32 ? 0 : 1)
              .int64(version)
              .int64(size)
              .int32(node.from())
              .int32(node.to());
      return out.list(payloads, out::bytes).toBuffer();
    }

    static Grant read(Reader in) throws MalformedException {
      return new Grant(
          in.int64(),
          in.int64(),
          in.one(Work.values()),
          in.one(GradientFormat.values()),
          in.int64(),
          in.int64(),
          new TreeNode(in.int32(), in.int32()),
          in.list(Reader::bytes));
    }
  }

  /**
   * To Poll: there is no work yet, but the parameters that it will need are on their way.
   *
   * @param size entries of the parameters
   */
  record Prefetch(long version, long size) implements Reply {
    static final int TAG = 9;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(version).int64(size).toBuffer();
    }

    static Prefetch read(Reader in) throws MalformedException {
      return new Prefetch(in.int64(), in.int64());
    }
  }

  /** To Heartbeat: the last round that is over; work of it, and of any before, is void. */
  record Beat(long roundOver) implements Reply {
    static final int TAG = 6;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(roundOver).toBuffer();
    }

    static Beat read(Reader in) throws MalformedException {
      return new Beat(in.int64());
    }
  }

  /** To Offer: send the sum. */
  record Send() implements Reply {
    static final int TAG = 7;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  /** To Offer and Answer: the result is not needed, or was taken. */
  record Drop() implements Reply {
    static final int TAG = 8;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  static Reply decode(ByteBuffer message) throws MalformedException {
    return Wire.read(
        message,
        in -> {
          int tag = in.int8();
          return switch (tag) {
            case Arrived.TAG -> Arrived.read(in);
            case Fine.TAG -> new Fine();
            case Refused.TAG -> Refused.read(in);
            case Stop.TAG -> new Stop();
            case Grant.TAG -> Grant.read(in);
            case Beat.TAG -> Beat.read(in);
            case Send.TAG -> new Send();
            case Drop.TAG -> new Drop();
            case Prefetch.TAG -> Prefetch.read(in);
            default -> throw new MalformedException("there is no reply " + tag);
          };
        });
  }
}
