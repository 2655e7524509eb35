/**
 * Tensors and workspaces for backends whose memory is handed out in blocks with an address, on the host or on a device. The policy of
 * allocation is the backend's own {@link io.lingen.core.spi.pool.BlockAllocator}.
 *
 * <p>SPI: for authors of backends.
 */
@NullMarked
@Spi
package io.lingen.core.spi.pool;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
