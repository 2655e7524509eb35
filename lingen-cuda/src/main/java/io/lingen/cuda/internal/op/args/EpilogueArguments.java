package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of an epilogue after a library's product: the struct Epilogue of elementwise.cu. */
public record EpilogueArguments(
        long y, long gate, long out, long rows, int columns, boolean yBf16, boolean outBf16, int kind)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(y, gate, out, rows).put(columns).put(yBf16, outBf16).put(kind);
    }
}
