/**
 * The reference backend, with every operation in plain ND4J, and the exchange of arrays with ND4J.
 *
 * <p>The code is written to be compared with its formulas, not for speed: sequential parts are loops of small array operations. It runs
 * wherever ND4J runs. Tensors are stored in their type, BF16 as ND4J's BFLOAT16. All computation is in F32, since ND4J's BF16 arithmetic is
 * not vectorized. The memory of intermediate results is freed after every operation.
 */
@NullMarked
package io.lingen.core.nd4j;

import org.jspecify.annotations.NullMarked;
