@NullMarked
package io.lingen.bench.internal;

import org.jspecify.annotations.NullMarked;
