/** What the pipeline is made of and nobody else needs. */
@NullMarked
package io.lingen.internal;

import org.jspecify.annotations.NullMarked;
