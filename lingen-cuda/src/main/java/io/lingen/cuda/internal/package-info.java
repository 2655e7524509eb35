/** The memory and the recordings of the CUDA backend. Not API. */
@NullMarked
package io.lingen.cuda.internal;

import org.jspecify.annotations.NullMarked;
