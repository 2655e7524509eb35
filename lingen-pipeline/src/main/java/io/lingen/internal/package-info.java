/** Implementation of the pipeline. Not part of the API. */
@NullMarked
package io.lingen.internal;

import org.jspecify.annotations.NullMarked;
