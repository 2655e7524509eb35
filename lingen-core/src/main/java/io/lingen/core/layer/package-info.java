/**
 * Layers and their weights. {@link io.lingen.core.layer.ModelWeights} reads, checks and packs the tensors of a checkpoint; {@link
 * io.lingen.core.layer.Linear} is the layer that all models share.
 *
 * <p>The constructor of a layer takes its weights, its configuration and its sizes, in this order.
 */
@NullMarked
@Spi
package io.lingen.core.layer;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
