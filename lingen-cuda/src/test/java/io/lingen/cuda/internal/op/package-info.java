/** Tests of how the CUDA backend cuts its work. */
@NullMarked
package io.lingen.cuda.internal.op;

import org.jspecify.annotations.NullMarked;
