package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.text.Normalizer.Form;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Reader of the normalizer of a tokenizer.json. */
final class NormalizerReader {
    private static final String KNOWN = "one of BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, Precompiled, Prepend,"
            + " Replace, Sequence, Strip, StripAccents";

    private NormalizerReader() {}

    /**
     * Reads a normalizer; null gives one that changes nothing.
     *
     * @throws CheckpointException if it is malformed or of an unknown type
     */
    static Normalizer read(@Nullable ConfigReader json) {
        if (json == null) {
            return Normalizer.NONE;
        }
        String type = json.text("type");
        return switch (type) {
            case "BertNormalizer" -> bert(json);
            case "Lowercase" -> Normalizer.LOWERCASE;
            case "NFC", "NFD", "NFKC", "NFKD" -> new UnicodeNormalizer(Form.valueOf(type));
            case "Precompiled" -> precompiled(json);
            case "Prepend" -> Normalizer.prepend(PatternReader.text(json, "prepend"));
            case "Replace" -> Normalizer.replace(PatternReader.read(json), PatternReader.text(json, "content"));
            case "Sequence" ->
                Normalizer.sequence(json.objects("normalizers").stream()
                        .map(NormalizerReader::read)
                        .toList());
            case "Strip" -> Normalizer.strip(json.flag("strip_left"), json.flag("strip_right"));
            case "StripAccents" -> Normalizer.STRIP_ACCENTS;
            default -> throw json.error("type", type, KNOWN);
        };
    }

    private static Normalizer bert(ConfigReader json) {
        boolean lowercase = json.flag("lowercase");
        return new BertNormalizer(
                json.flag("clean_text"),
                json.flag("handle_chinese_chars"),
                json.flagOr("strip_accents", lowercase),
                lowercase);
    }

    private static Normalizer precompiled(ConfigReader json) {
        String field = "precompiled_charsmap";
        String base64 = json.text(field);
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw json.error(field, base64, "Base64");
        }
        if (bytes.length == 0) {
            throw json.error(field, "nothing", "the rules of a SentencePiece model");
        }
        try {
            return new PrecompiledNormalizer(CharsMap.read(bytes));
        } catch (IllegalArgumentException e) {
            throw json.error(field, base64, "rules of SentencePiece, which " + e.getMessage());
        }
    }
}
