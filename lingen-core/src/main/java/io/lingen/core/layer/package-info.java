/**
 * Layers and their weights: {@link io.lingen.core.layer.ModelWeights} reads a checkpoint's tensors, checks them and packs them for a backend,
 * {@link io.lingen.core.layer.Linear} is the one layer that every model has.
 *
 * <p>A layer's constructor takes its weights, its configuration and its sizes, in this order.
 */
@NullMarked
package io.lingen.core.layer;

import org.jspecify.annotations.NullMarked;
