/**
 * Arguments of the kernels: for each parameter struct of the kernel sources one record with its fields, in order. The struct {@code Scan}
 * is {@code ScanArguments}, its field {@code x_column} the component {@code xColumn}. Addresses are {@code long}; a flag is a
 * {@code boolean} and an int to C. What a field holds is documented at the struct.
 */
@NullMarked
package io.lingen.cuda.internal.op.args;

import org.jspecify.annotations.NullMarked;
