/**
 * The arguments of the kernels. Each parameter struct of the kernel sources has a record with the same fields in the same order. For
 * example, the struct {@code Scan} corresponds to {@code ScanArguments}, and its field {@code x_column} to {@code xColumn}. Addresses are
 * {@code long} in Java. Flags are {@code boolean} in Java and {@code int} in C.
 */
@NullMarked
package io.lingen.cuda.internal.op.args;

import org.jspecify.annotations.NullMarked;
