/**
 * The operations of the CPU backend, one class per group. They call {@code io.lingen.cpu.internal.loop.FloatKernels} and {@link
 * io.lingen.cpu.internal.kernel.MatrixKernel}, so they are independent of the Vector API. Operations that a native library can accelerate
 * are interfaces. Not API.
 */
@NullMarked
package io.lingen.cpu.internal.kernel;

import org.jspecify.annotations.NullMarked;
