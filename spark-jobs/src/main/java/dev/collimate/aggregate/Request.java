package dev.collimate.aggregate;

import dev.collimate.CollimateException;
import dev.collimate.aggregate.Wire.MalformedException;
import dev.collimate.aggregate.Wire.Reader;
import dev.collimate.aggregate.Wire.Writer;
import java.nio.ByteBuffer;
import java.util.List;

/** What a worker says, once it has proved the token; the driver answers with a {@link Reply}. */
sealed interface Request {

  ByteBuffer encode();

  /** The first word on a worker's control connection. */
  record Arrive(WorkerPlace place) implements Request {
    static final int TAG = 1;

    @Override
    public ByteBuffer encode() {
      return new Writer()
          .int8(TAG)
          .text(place.executorId())
          .text(place.host())
          .int64(place.pid())
          .toBuffer();
    }

    static Arrive read(Reader in) throws MalformedException {
      return new Arrive(new WorkerPlace(in.text(), in.text(), in.int64()));
    }
  }

  /** The task is made; this is what it says of itself. */
  record Register(byte[] description) implements Request {
    static final int TAG = 2;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).bytes(description).toBuffer();
    }

    static Register read(Reader in) throws MalformedException {
      return new Register(in.bytes());
    }
  }

  /** Asks for work; answered when there is some. */
  record Poll() implements Request {
    static final int TAG = 3;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  /** Sent every second or so from a thread of its own. */
  record Heartbeat() implements Request {
    static final int TAG = 4;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).toBuffer();
    }
  }

  /**
   * A leaf's result.
   *
   * @param hash of the gradient and the result
   */
  record Leaf(ResultHash hash, byte[] result) {}

  /**
   * A finished gradient lease, whose sum the worker keeps until it is told to send or drop it;
   * answered late where the driver has no room.
   *
   * @param computeSeconds over all leaves
   * @param pullSeconds what the parameters took, 0 where they were there
   */
  record Offer(long lease, List<Leaf> leaves, double computeSeconds, double pullSeconds)
      implements Request {
    static final int TAG = 5;

    @Override
    public ByteBuffer encode() {
      Writer out = new Writer().int8(TAG).int64(lease).float64(computeSeconds).float64(pullSeconds);
      return out.list(leaves, leaf -> out.int64(leaf.hash.bits()).bytes(leaf.result)).toBuffer();
    }

    static Offer read(Reader in) throws MalformedException {
      long lease = in.int64();
      double computeSeconds = in.seconds();
      double pullSeconds = in.seconds();
      List<Leaf> leaves = in.list(each -> new Leaf(new ResultHash(each.int64()), each.bytes()));
      return new Offer(lease, leaves, computeSeconds, pullSeconds);
    }
  }

  /** A finished call, with its result. */
  record Answer(long lease, byte[] result, double computeSeconds, double pullSeconds)
      implements Request {
    static final int TAG = 6;

    @Override
    public ByteBuffer encode() {
      return new Writer()
          .int8(TAG)
          .int64(lease)
          .bytes(result)
          .float64(computeSeconds)
          .float64(pullSeconds)
          .toBuffer();
    }

    static Answer read(Reader in) throws MalformedException {
      return new Answer(in.int64(), in.bytes(), in.seconds(), in.seconds());
    }
  }

  /** A lease could not be computed. */
  record Failed(long lease, CollimateException.Kind kind, String sentence) implements Request {
    static final int TAG = 7;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(lease).text(kind.name()).text(sentence).toBuffer();
    }

    static Failed read(Reader in) throws MalformedException {
      return new Failed(in.int64(), CollimateException.Kind.valueOf(in.text()), in.text());
    }
  }

  /** The worker leaves and says why. */
  record Leave(String sentence) implements Request {
    static final int TAG = 8;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).text(sentence).toBuffer();
    }

    static Leave read(Reader in) throws MalformedException {
      return new Leave(in.text());
    }
  }

  /** The lease was not computed or not delivered, through no fault of the work. */
  record GiveBack(long lease) implements Request {
    static final int TAG = 10;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(lease).toBuffer();
    }

    static GiveBack read(Reader in) throws MalformedException {
      return new GiveBack(in.int64());
    }
  }

  /**
   * Asks to be told when the first blocks of an announced version can be pulled.
   *
   * @param count of blocks
   */
  record Await(long version, int count) implements Request {
    static final int TAG = 11;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(version).int32(count).toBuffer();
    }

    static Await read(Reader in) throws MalformedException {
      return new Await(in.int64(), in.int32());
    }
  }

  /** Makes another connection of an arrived worker fit for streams. */
  record Attach(long session) implements Request {
    static final int TAG = 9;

    @Override
    public ByteBuffer encode() {
      return new Writer().int8(TAG).int64(session).toBuffer();
    }

    static Attach read(Reader in) throws MalformedException {
      return new Attach(in.int64());
    }
  }

  static Request decode(ByteBuffer message) throws MalformedException {
    return Wire.read(
        message,
        in -> {
          int tag = in.int8();
          return switch (tag) {
            case Arrive.TAG -> Arrive.read(in);
            case Register.TAG -> Register.read(in);
            case Poll.TAG -> new Poll();
            case Heartbeat.TAG -> new Heartbeat();
            case Offer.TAG -> Offer.read(in);
            case Answer.TAG -> Answer.read(in);
            case Failed.TAG -> Failed.read(in);
            case Leave.TAG -> Leave.read(in);
            case GiveBack.TAG -> GiveBack.read(in);
            case Attach.TAG -> Attach.read(in);
            case Await.TAG -> Await.read(in);
            default -> throw new MalformedException("there is no request " + tag);
          };
        });
  }
}
