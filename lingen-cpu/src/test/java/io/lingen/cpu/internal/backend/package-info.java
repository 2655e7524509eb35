/** Tests of the backend against the contracts, at each level of acceleration. */
@NullMarked
package io.lingen.cpu.internal.backend;

import org.jspecify.annotations.NullMarked;
