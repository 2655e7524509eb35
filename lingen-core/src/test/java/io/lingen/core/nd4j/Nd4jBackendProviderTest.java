package io.lingen.core.nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.spi.BackendProvider;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests of the availability of the reference backend. */
final class Nd4jBackendProviderTest {
    @Test
    void providerIsAvailable() {
        BackendProvider provider = new Nd4jBackendProvider();
        assertEquals("nd4j", provider.name());
        assertEquals(10, provider.priority());
        assertTrue(provider.availability().available());
        assertTrue(provider.availability().detail().contains("ND4J"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nd4j-api-", "/nd4j-native-1"})
    void missingJarsAreReported(String missing) throws Exception {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(classPathWithout(missing), ClassLoader.getPlatformClassLoader())) {
            Thread.currentThread().setContextClassLoader(loader);
            Object provider = loader.loadClass(Nd4jBackendProvider.class.getName())
                    .getConstructor()
                    .newInstance();
            Object availability = provider.getClass().getMethod("availability").invoke(provider);
            String found = availability.toString();
            assertFalse((boolean) availability.getClass().getMethod("available").invoke(availability), found);
            assertTrue(found.contains("add org.nd4j:nd4j-native"), found);
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    private static URL[] classPathWithout(String missing) throws MalformedURLException {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<URL> urls = new ArrayList<>();
        for (String entry : classPath.split(File.pathSeparator)) {
            if (!entry.contains(missing)) {
                urls.add(new File(entry).toURI().toURL());
            }
        }
        return urls.toArray(new URL[0]);
    }
}
