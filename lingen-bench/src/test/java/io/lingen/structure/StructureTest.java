package io.lingen.structure;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.lingen.core.Spi;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Checks the structure of all modules: packages have no cycles, and the public types are those of a list. */
class StructureTest {
    private static final String ROOT = "io.lingen";
    private static final String API = "public-types.txt";
    private static final int MAX_IN_ROOT = 20;
    private static final int MAX = 60;

    private static JavaClasses classes;

    @BeforeAll
    static void readClasses() {
        classes = new ClassFileImporter()
                .withImportOption(location -> !location.contains("/test-classes/") && !location.contains("-tests.jar"))
                .importPackages(ROOT);
        for (String module :
                List.of("core", "cpu", "cuda", "mate", "diffusion", "vae", "video", "wan", "sana", "cli", "bench")) {
            assertTrue(classes.containPackage(ROOT + '.' + module), () -> "no classes of " + module + " were read");
        }
    }

    @Test
    void packagesHaveNoCycles() {
        slices().assignedFrom(new EveryPackage()).should().beFreeOfCycles().check(classes);
    }

    /** A change that adds a public type must add it to the list, so that the API does not grow by accident. */
    @Test
    void publicTypesAreListed() throws IOException {
        Set<String> found = new TreeSet<>();
        for (JavaClass type : classes) {
            if (type.isTopLevelClass()
                    && type.getModifiers().contains(JavaModifier.PUBLIC)
                    && isApi(type.getPackage())) {
                found.add(type.getName());
            }
        }
        try (InputStream list = Objects.requireNonNull(StructureTest.class.getResourceAsStream(API))) {
            String expected = new String(list.readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(expected, String.join("\n", found) + "\n", "public types differ from " + API);
        }
        long inRoot = found.stream()
                .filter(name -> name.lastIndexOf('.') == ROOT.length())
                .count();
        assertTrue(inRoot <= MAX_IN_ROOT, () -> ROOT + " has " + inRoot + " public types, at most " + MAX_IN_ROOT);
        assertTrue(found.size() <= MAX, () -> "found " + found.size() + " public types, at most " + MAX);
    }

    private static boolean isApi(JavaPackage of) {
        return !(of.getName() + '.').contains(".internal.") && !of.isAnnotatedWith(Spi.class);
    }

    private static final class EveryPackage implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return SliceIdentifier.of(type.getPackageName());
        }

        @Override
        public String getDescription() {
            return "every package";
        }
    }
}
