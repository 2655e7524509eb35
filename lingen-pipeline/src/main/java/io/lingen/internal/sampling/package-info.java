/** Samplers by name, for families of published models. Not part of the API. */
@NullMarked
package io.lingen.internal.sampling;

import org.jspecify.annotations.NullMarked;
