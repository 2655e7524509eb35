/** The parameters of backend operations, as small immutable records. */
@NullMarked
package io.lingen.core.op;

import org.jspecify.annotations.NullMarked;
