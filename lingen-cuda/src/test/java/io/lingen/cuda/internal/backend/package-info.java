/** Tests of the CUDA backend, on a GPU if asked and on the emulated device otherwise. */
@NullMarked
package io.lingen.cuda.internal.backend;

import org.jspecify.annotations.NullMarked;
