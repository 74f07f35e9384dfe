package dev.collimate.nn;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The TorchScript methods of {@code kernels.torchscript}, callable with tensors, lists of tensors,
 * numbers and handles.
 *
 * <p>DJL's public way to call a method with anything but tensors runs in inference mode, whose
 * results can take no part in autograd. So this class calls DJL's own native method; autograd is
 * switched by the scripts themselves.
 */
final class Kernels {

  private static final String SOURCE = "kernels.torchscript";

  private final PtSymbolBlock module;
  private final MethodHandle runMethod;
  private final MethodHandle newIValue;

  private Kernels(PtSymbolBlock module, MethodHandle runMethod, MethodHandle newIValue) {
    this.module = module;
    this.runMethod = runMethod;
    this.newIValue = newIValue;
  }

  static Kernels load(PtNDManager manager) {
    try (InputStream source = Kernels.class.getResourceAsStream(SOURCE)) {
      if (source == null) {
        throw new IllegalStateException("The resource " + SOURCE + " is missing from the jar");
      }
      byte[] archive =
          ScriptArchive.pack(new String(source.readAllBytes(), StandardCharsets.UTF_8));
      PtSymbolBlock module =
          JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false);
      MethodHandles.Lookup djl =
          MethodHandles.privateLookupIn(IValue.class, MethodHandles.lookup());
      Class<?> library = djl.findClass("ai.djl.pytorch.jni.PyTorchLibrary");
      Object loaded = djl.findStaticVarHandle(library, "LIB", library).get();
      MethodType signature =
          MethodType.methodType(
              long.class, long.class, String.class, long[].class, boolean.class, boolean.class);
      return new Kernels(
          module,
          djl.bind(loaded, "moduleRunMethod", signature),
          djl.findConstructor(IValue.class, MethodType.methodType(void.class, long.class)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(
          "This DJL does not have the native method that version 0.35.1 has", e);
    }
  }

  /**
   * Calls a method that returns one tensor.
   *
   * @param manager gets the result
   * @param arguments each an NDArray, a list of NDArrays, a long, double, boolean, String or
   *     long[], or an IValue, which stays open
   */
  PtNDArray call(PtNDManager manager, String method, Object... arguments) {
    try (IValue result = run(method, arguments)) {
      return result.toTensor(manager);
    }
  }

  /** Calls a method that returns a list of tensors; see {@link #call}. */
  List<PtNDArray> callForList(PtNDManager manager, String method, Object... arguments) {
    try (IValue result = run(method, arguments)) {
      return List.of(result.toTensorArray(manager));
    }
  }

  /** Calls a method without arguments that returns a text. */
  String callForText(String method) {
    try (IValue result = run(method)) {
      return result.toStringValue();
    }
  }

  private IValue run(String method, Object... arguments) {
    Engine.prepareThread();
    List<IValue> temporary = new ArrayList<>(arguments.length);
    try {
      long[] handles = new long[arguments.length];
      for (int i = 0; i < arguments.length; i++) {
        if (arguments[i] instanceof IValue value) {
          handles[i] = value.getHandle();
        } else {
          IValue value = toIValue(arguments[i]);
          temporary.add(value);
          handles[i] = value.getHandle();
        }
      }
      long result =
          (long) runMethod.invokeExact((long) module.getHandle(), method, handles, true, false);
      return (IValue) newIValue.invokeExact(result);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    } finally {
      temporary.forEach(IValue::close);
    }
  }

  private static IValue toIValue(Object argument) {
    if (argument instanceof PtNDArray array) {
      return IValue.from(array);
    } else if (argument instanceof Boolean value) {
      return IValue.from((boolean) value);
    } else if (argument instanceof Long value) {
      return IValue.from((long) value);
    } else if (argument instanceof Integer value) {
      return IValue.from((long) value);
    } else if (argument instanceof Double value) {
      return IValue.from((double) value);
    } else if (argument instanceof String value) {
      return IValue.from(value);
    } else if (argument instanceof long[] values) {
      return IValue.listFrom(values);
    } else if (argument instanceof List<?> arrays) {
      return IValue.listFrom(arrays.toArray(PtNDArray[]::new));
    }
    throw new IllegalArgumentException("cannot pass " + argument.getClass() + " to a kernel");
  }
}
