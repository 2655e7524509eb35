/** The backend against the contracts, in each of its forms. */
@NullMarked
package io.lingen.cpu.internal.backend;

import org.jspecify.annotations.NullMarked;
