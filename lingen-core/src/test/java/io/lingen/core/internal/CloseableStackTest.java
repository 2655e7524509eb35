package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CloseableStackTest {
    private final CloseableStack owned = new CloseableStack();
    private final List<String> closed = new ArrayList<>();

    @Test
    void closesInReverseOrderAndOnce() {
        AutoCloseable first = () -> closed.add("first");
        assertSame(first, owned.add(first));
        owned.add(() -> closed.add("second"));
        owned.close();
        owned.close();
        assertEquals(List.of("second", "first"), closed);
    }

    @Test
    void closesAllEvenIfSomeFail() {
        IllegalStateException first = new IllegalStateException("first");
        IOException second = new IOException("second");
        owned.add(() -> closed.add("kept"));
        owned.add(() -> {
            throw second;
        });
        owned.add(() -> {
            throw first;
        });
        assertSame(first, assertThrows(IllegalStateException.class, owned::close));
        assertEquals(List.of("kept"), closed);
        Throwable wrapped = assertInstanceOf(IllegalStateException.class, first.getSuppressed()[0]);
        assertSame(second, wrapped.getCause());
        assertArrayEquals(new Throwable[] {wrapped}, first.getSuppressed());
    }

    @Test
    void closeAfterKeepsTheFirstFailure() {
        IllegalStateException closing = new IllegalStateException("closing");
        owned.add(() -> {
            throw closing;
        });
        Exception cause = new Exception("cause");
        owned.closeAfter(cause);
        assertArrayEquals(new Throwable[] {closing}, cause.getSuppressed());
    }

    @Test
    void repeatedFailureIsNotSuppressedInItself() {
        IllegalStateException same = new IllegalStateException("the device is lost");
        for (int i = 0; i < 2; i++) {
            owned.add(() -> {
                throw same;
            });
        }
        owned.closeAfter(same);
        assertEquals(0, same.getSuppressed().length);
    }
}
