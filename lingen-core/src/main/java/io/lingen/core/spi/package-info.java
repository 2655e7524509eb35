/**
 * The service provider interface of backends: storage, kernels and providers. {@link io.lingen.core.backend.Backend} checks arguments and
 * counts operations before it calls an implementation. Models do not use this package.
 *
 * <p>This package is an SPI for authors of backends. It changes whenever an operation is added.
 */
@NullMarked
@Spi
package io.lingen.core.spi;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
