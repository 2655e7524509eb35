/** Tests of the CUDA backend's memory. */
@NullMarked
package io.lingen.cuda.internal;

import org.jspecify.annotations.NullMarked;
