/**
 * The service provider interface of backends: what an implementation has to offer so that {@link io.lingen.core.backend.Backend} can check
 * and count on top of it. Models never use it.
 *
 * <p>SPI: for authors of backends. It changes whenever an operation is added.
 */
@NullMarked
@Spi
package io.lingen.core.spi;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
