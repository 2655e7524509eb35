/** Samplers by the names of requests, shared by families of published models. Not API. */
@NullMarked
package io.lingen.internal.sampling;

import org.jspecify.annotations.NullMarked;
