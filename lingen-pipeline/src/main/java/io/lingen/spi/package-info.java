/**
 * The service provider interface of model families. A family implements {@link io.lingen.spi.ModelFamily} and lists its class in
 * {@code META-INF/services/io.lingen.spi.ModelFamily}. The pipeline and the command line then support its models, including resuming,
 * batches and memory forecasts. Programs that only generate videos don't need this package.
 */
@NullMarked
@Spi
package io.lingen.spi;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
