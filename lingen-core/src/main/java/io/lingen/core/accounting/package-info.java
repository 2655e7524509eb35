/** The costs of a run: live and peak tensor bytes, and floating-point operations per kind. */
@NullMarked
@Spi
package io.lingen.core.accounting;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
