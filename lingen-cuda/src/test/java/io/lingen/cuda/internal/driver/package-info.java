/** Tests of the bindings to the CUDA libraries, and the emulated device. */
@NullMarked
package io.lingen.cuda.internal.driver;

import org.jspecify.annotations.NullMarked;
