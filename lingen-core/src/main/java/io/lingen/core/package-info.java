/**
 * Tensors, shapes, workspaces and the other types that every module shares.
 *
 * <p>Model code is written against {@link io.lingen.core.backend.Backend}. It offers few, large, fused operations, and only those that a
 * model of this project needs: it is not a general tensor library. "Specification" in this documentation is the page docs/model.md of the
 * project, with the paper's formulas.
 */
@NullMarked
package io.lingen.core;

import org.jspecify.annotations.NullMarked;
