package io.lingen.cuda.internal.driver;

/** The arguments of a kernel: a record with the fields of its parameter struct, in order. */
public interface KernelArguments {
    /** Appends the fields in order. */
    void layOut(StructWriter struct);
}
