/**
 * Tensors and workspaces for backends that allocate memory in blocks with an address, on the host or on a device. The allocation policy is
 * the backend's own {@link io.lingen.core.spi.pool.BlockAllocator}.
 *
 * <p>This package is an SPI for authors of backends.
 */
@NullMarked
@Spi
package io.lingen.core.spi.pool;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
