/** The operations of the CUDA backend: the choice of kernels, their arguments, and the division of their work into blocks. Not API. */
@NullMarked
package io.lingen.cuda.internal.op;

import org.jspecify.annotations.NullMarked;
