/** The operations of the CUDA backend: what each kernel is given, and how its work is cut. Not API. */
@NullMarked
package io.lingen.cuda.internal.op;

import org.jspecify.annotations.NullMarked;
