package io.lingen.cuda.internal.driver;

/** The arguments of a kernel, as a record with the fields of its parameter struct in order. */
public interface KernelArguments {
    /**
     * Appends the fields to a struct.
     *
     * @param struct the struct
     */
    void layOut(StructWriter struct);
}
