/** The parameters of backend operations, as small immutable records. */
@NullMarked
@Spi
package io.lingen.core.op;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
