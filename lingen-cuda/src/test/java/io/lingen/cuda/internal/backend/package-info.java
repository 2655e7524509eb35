/** Tests of the CUDA backend, on a GPU or on the emulated device. */
@NullMarked
package io.lingen.cuda.internal.backend;

import org.jspecify.annotations.NullMarked;
