/** The parameters of backend operations: small immutable records that name what an operation works on. */
@NullMarked
package io.lingen.core.op;

import org.jspecify.annotations.NullMarked;
