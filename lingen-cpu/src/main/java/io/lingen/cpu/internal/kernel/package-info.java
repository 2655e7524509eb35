/**
 * The backend's operations: one class each, written on {@code io.lingen.cpu.internal.loop.FloatKernels} and
 * {@link io.lingen.cpu.internal.kernel.MatrixKernel}, so that none of them knows whether the Vector API is there. Operations that a
 * native library does faster are interfaces. Not API.
 */
@NullMarked
package io.lingen.cpu.internal.kernel;

import org.jspecify.annotations.NullMarked;
