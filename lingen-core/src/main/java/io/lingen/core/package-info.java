/**
 * Tensors, the {@link io.lingen.core.backend.Backend} service that computes on them, and what every module shares.
 *
 * <p>Model code is written once against {@link io.lingen.core.backend.Backend}, which offers few, large, fused operations and never a general
 * tensor algebra: an operation that no model of this project needs is not here. "Specification" in this
 * documentation is the page docs/model.md of the project, with the paper's formulas.
 */
@NullMarked
package io.lingen.core;

import org.jspecify.annotations.NullMarked;
