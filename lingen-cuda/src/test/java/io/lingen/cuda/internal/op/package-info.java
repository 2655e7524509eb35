/** Tests of the launch plans of the CUDA backend. */
@NullMarked
package io.lingen.cuda.internal.op;

import org.jspecify.annotations.NullMarked;
