/**
 * MATE, LinGen's token mixer of linear cost. It is the sum of an MA-branch (bidirectional Mamba2 along a Rotary-Major Scan, with review
 * tokens in front) and a TE-branch (temporal Swin attention).
 *
 * <p>Classes correspond to the boxes of the paper's overview figure. All are immutable and thread-safe: intermediate tensors are in
 * workspaces of the call. Tokens are rows in (t, h, w) order throughout; no branch copies them into scan or window order.
 */
@NullMarked
@Spi
package io.lingen.mate;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
