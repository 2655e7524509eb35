/**
 * SPI: the interfaces of a family of models. A family implements {@link io.lingen.spi.ModelFamily}, names it in
 * {@code META-INF/services/io.lingen.spi.ModelFamily}, and from then on its folders are models like any other: for the front door, the
 * command line, resuming, batches and the forecast of memory. Users of the library don't need this package.
 */
@NullMarked
@Spi
package io.lingen.spi;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
