@NullMarked
package io.lingen.core.dryrun;

import org.jspecify.annotations.NullMarked;
