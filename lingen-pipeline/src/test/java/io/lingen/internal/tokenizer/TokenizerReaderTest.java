package io.lingen.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.of;

import io.lingen.core.checkpoint.CheckpointException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Validation of each field of a tokenizer.json, and of parts that are not supported. */
class TokenizerReaderTest {
    private static final String GOOD = "{'version':'1.0','added_tokens':[{'id':0,'content':'[CLS]','single_word':false,"
            + "'lstrip':false,'rstrip':false,'normalized':false,'special':true}],'normalizer':null,"
            + "'pre_tokenizer':{'type':'WhitespaceSplit'},'post_processor':{'type':'TemplateProcessing','single':["
            + "{'SpecialToken':{'id':'[CLS]','type_id':0}},{'Sequence':{'id':'A','type_id':0}}],"
            + "'special_tokens':{'[CLS]':{'id':'[CLS]','ids':[0],'tokens':['[CLS]']}}},"
            + "'model':{'type':'WordPiece','unk_token':'[UNK]','continuing_subword_prefix':'##',"
            + "'max_input_chars_per_word':100,'vocab':{'[CLS]':0,'[UNK]':1,'a':2,'##b':3}}}";
    private static final String NORMALIZER = "'normalizer':null";
    private static final String PRE_TOKENIZER = "{'type':'WhitespaceSplit'}";
    private static final String MODEL = GOOD.substring(GOOD.indexOf("{'type':'WordPiece'"), GOOD.length() - 1);

    static Stream<Arguments> parts() {
        return Stream.of(
                of("'1.0'", "'2.0'", "'version': found 2.0, expected \"1.0\""),
                of("'id':0,", "'id':1,", "'added_tokens[0].id': found 1, expected 0, the id of that token"),
                of("'content':'[CLS]'", "'content':'[CLS'", "'added_tokens[0].id': found 0, expected 4"),
                of("'content':'[CLS]'", "'content':''", "'added_tokens[0].content': found \"\""),
                of("'content':'[CLS]'", "'content':'\\ud800'", "'added_tokens[0].content'"),
                of("'lstrip':false", "'lstrip':0", "'added_tokens[0].lstrip': found 0, expected true or false"),
                of("'rstrip':false,", "", "'added_tokens[0].rstrip': found nothing"),
                of(NORMALIZER, "'normalizer':{'type':'Nmt'}", "'normalizer.type': found Nmt, expected one of BertNorm"),
                of(NORMALIZER, "'normalizer':[]", "'normalizer': found [], expected an object"),
                of(NORMALIZER, "'normalizer':{}", "'normalizer.type': found nothing"),
                of(NORMALIZER, replace("{}"), "'normalizer.pattern.Regex': found nothing"),
                of(NORMALIZER, replace("{'String':''}"), "'normalizer.pattern.String'"),
                of(NORMALIZER, replace("{'Regex':'a*'}"), "must not match the empty text"),
                of(NORMALIZER, replace("{'Regex':'(a+)+$'}"), "found $"),
                of(NORMALIZER, replace("{'Regex':'(a*)*b'}"), "a repetition of what can be empty"),
                of(NORMALIZER, replace("{'Regex':'(a)\\\\1'}"), "the escape \\1"),
                of(NORMALIZER, replace("{'Regex':'(?<=a)b'}"), "a group of another kind"),
                of(NORMALIZER, replace("{'Regex':'(?>a)b'}"), "a group of another kind"),
                of(NORMALIZER, replace("{'Regex':'a++b'}"), "a repetition of a repetition"),
                of(NORMALIZER, replace("{'Regex':'(a{999}){999}'}"), "at most 2000 steps"),
                of(NORMALIZER, replace("{'Regex':'a{2000}'}"), "other than 0 to 1000"),
                of(NORMALIZER, replace("{'Regex':'" + "(".repeat(100) + "'}"), "nested deeper"),
                of(NORMALIZER, replace("{'Regex':'[a'}"), "its end"),
                of(NORMALIZER, replace("{'Regex':'[a[b]]'}"), "a class within a class"),
                of(NORMALIZER, replace("{'Regex':'\\\\p{Han}'}"), "the property Han"),
                of(NORMALIZER, replace("{'Regex':'(?i:ss)'}"), "without regard to case"),
                of(NORMALIZER, replace("{'Regex':'^a'}"), "found ^"),
                of(NORMALIZER, charsMap("?"), "expected Base64"),
                of(NORMALIZER, charsMap(""), "expected the rules"),
                of(NORMALIZER, charsMap(base64(1, 2)), "a trie of whole units"),
                of(NORMALIZER, charsMap(base64(4, 1 << 10)), "a trie within its 1 units"),
                of(PRE_TOKENIZER, "{'type':'UnicodeScripts'}", "'pre_tokenizer.type': found UnicodeScripts"),
                of(PRE_TOKENIZER, "{'type':'Metaspace','replacement':'__'}", "expected one character"),
                of(PRE_TOKENIZER, "{'type':'Metaspace','replacement':'_','prepend_scheme':'x'}", "prepend_scheme"),
                of(PRE_TOKENIZER, "{'type':'Metaspace','replacement':'_','add_prefix_space':false}", "prepend_scheme"),
                of(PRE_TOKENIZER, "{'type':'Punctuation','behavior':'x'}", "'pre_tokenizer.behavior': found x"),
                of("{'id':'[CLS]','type_id':0}", "{'id':'[SEP]','type_id':0}", "found [SEP], expected a name of"),
                of("'ids':[0]", "'ids':[1]", "'post_processor.special_tokens.[CLS].ids[0]': found 1, expected 0"),
                of("'ids':[0]", "'ids':[0,0]", "tokens': found 1, expected as many as ids, which are 2"),
                of("'id':'A'", "'id':'B'", "found B, expected one sequence"),
                of("{'Sequence':{'id':'A','type_id':0}}", "{}", "SpecialToken': found nothing"),
                of(",{'Sequence':{'id':'A','type_id':0}}", "", "found 1 special tokens and no sequence"),
                of("'type':'TemplateProcessing'", "'type':'Other'", "'post_processor.type': found Other"),
                of("'post_processor':{", "'post_processor':{'post_processor':{}},'x':{", "'post_processor.type'"));
    }

    static Stream<Arguments> models() {
        return Stream.of(
                of("'type':'WordPiece'", "'type':'WordLevel'", "'model.type': found WordLevel, expected one of BPE"),
                of("'unk_token':'[UNK]'", "'unk_token':'[unk]'", "'model.unk_token': found [unk], expected a token of"),
                of("'max_input_chars_per_word':100,", "", "'model.max_input_chars_per_word': found nothing"),
                of("'vocab':{", "'vocabulary':{", "'model.vocab': found nothing"),
                of("'a':2", "'a':-2", "'model.vocab.a': found -2"),
                of("'a':2", "'a':2.5", "'model.vocab.a': found 2.5"),
                of("'a':2", "'a':99999999999", "'model.vocab.a': found 99999999999"),
                of("'a':2", "'[UNK]':2", "'model.vocab.[UNK]': found a duplicate"),
                of("'a':2", "'\\ud800':2", "tokens without unpaired surrogates"),
                of("'vocab':{", "'vocab':{},'vocab':{", "'model.vocab': found a second table"),
                of(MODEL, "{'type':'WordPiece','unk_token':'a','vocab':[]}", "'model.vocab': found an array"),
                of(MODEL, "{'type':'Unigram','unk_id':0,'vocab':[]}", "'model.vocab': found no tokens"),
                of(MODEL, "{'type':'Unigram','unk_id':0,'vocab':{}}", "'model.vocab': found an object"),
                of(MODEL, "{'type':'Unigram','unk_id':null,'vocab':[['a',0]]}", "'model.unk_id': found null"),
                of(MODEL, "{'type':'Unigram','unk_id':1,'vocab':[['a',0]]}", "'model.unk_id': found 1"),
                of(MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a','0']]}", "'model.vocab[0]': found \"0\""),
                of(MODEL, "{'type':'Unigram','unk_id':0,'vocab':[['a',1e999]]}", "'model.vocab[0]': found 1e999"),
                of(
                        MODEL,
                        "{'type':'Unigram','unk_id':0,'vocab':[['a',0,0]]}",
                        "'model.vocab[0]': found 0, expected the"),
                of(MODEL, bpe("'vocab':{'a':0}"), "'model.merges': found nothing"),
                of(MODEL, bpe("'vocab':{'a':0},'merges':{}"), "'model.merges': found {"),
                of(MODEL, bpe("'vocab':{'a':0},'merges':['a b']"), "'model.merges[0]': found \"b\""),
                of(MODEL, bpe("'vocab':{'a':0},'merges':['a a']"), "'model.merges[0]': found \"aa\""),
                of(MODEL, bpe("'vocab':{'a':0},'merges':['a']"), "'model.merges[0]': found \"a\", expected two"),
                of(MODEL, bpe("'vocab':{'a':0},'merges':[['a']]"), "'model.merges[0]': found ]"),
                of(MODEL, bpe("'dropout':0.1,'vocab':{'a':0},'merges':[]"), "'model.dropout': found 0.1"));
    }

    private static String replace(String pattern) {
        return "'normalizer':{'type':'Replace','pattern':" + pattern + ",'content':''}";
    }

    private static String charsMap(String base64) {
        return "'normalizer':{'type':'Precompiled','precompiled_charsmap':'" + base64 + "'}";
    }

    private static String bpe(String settings) {
        return "{'type':'BPE'," + settings + "}";
    }

    /** Rules that begin with these 32-bit numbers, in the order of the file. */
    private static String base64(int... numbers) {
        byte[] bytes = new byte[4 * numbers.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (numbers[i / 4] >> 8 * (i % 4));
        }
        return Base64.getEncoder().encodeToString(bytes);
    }

    @ParameterizedTest
    @MethodSource({"parts", "models"})
    void malformedFilesAreRejected(String part, String other, String message) {
        assertTrue(GOOD.contains(part), part);
        assertRefused(GOOD.replace(part, other), message);
    }

    @Test
    void otherFilesAreRejected() {
        assertRefused("", "expected");
        assertRefused("[]", "expected a JSON object, found [");
        assertRefused(GOOD + "{}", "found more after it");
        assertRefused(GOOD.substring(0, GOOD.length() - 1), "expected JSON, found");
        assertRefused(GOOD.replace("'model':", "'model':" + "[".repeat(100)), "expected JSON, found");
        assertRefused("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
        assertRefused(GOOD.replace("'version'", "'cleanup':trux,'version'"), "expected JSON, found");
        CheckpointException error = assertThrows(
                CheckpointException.class,
                () -> TokenizerReader.read("tokenizer.json", "{\"\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1)));
        assertTrue(error.getMessage().contains("UTF-8"), error.getMessage());
    }

    @Test
    void unusedPartsAreNotChecked() {
        Tokenizer tokenizer = read(GOOD.replace("'version'", "'decoder':{'type':'Other'},'padding':{},'version'"));
        assertArrayEquals(
                new long[] {0, 2, 3, 1, 0}, tokenizer.encode("ab b[CLS]").ids());
    }

    @Test
    void truncationKeepsTheClosingTokens() {
        Tokenizer tokenizer = TokenizerReader.read("tokenizer.json", TokenizerFiles.miniLm());
        Encoding encoding = tokenizer.encode("🎉 star star");
        assertArrayEquals(new long[] {101, 100, 2732, 2732, 102}, encoding.ids());
        assertArrayEquals(new int[] {0, 2, 7, 12, 0}, encoding.ends());
        assertEquals(1, tokenizer.openingTokens());
        assertEquals(1, tokenizer.closingTokens());
        Encoding cut = encoding.truncated(4);
        assertArrayEquals(new long[] {101, 100, 2732, 102}, cut.ids());
        assertArrayEquals(new int[] {0, 2, 7, 0}, cut.ends());
        assertEquals(encoding, encoding.truncated(5));
        assertThrows(IllegalArgumentException.class, () -> encoding.truncated(2));
    }

    @Test
    void unpairedSurrogatesBecomeReplacementCharacters() {
        Tokenizer tokenizer = TokenizerReader.read("tokenizer.json", TokenizerFiles.gemma());
        assertArrayEquals(
                tokenizer.encode("a\ufffdb").ids(), tokenizer.encode("a\ud800b").ids());
    }

    /** Patterns for which a backtracking matcher takes exponential time. */
    @Test
    void patternsTakeLinearTime() {
        String json = GOOD.replace(NORMALIZER, replace("{'Regex':'(?:(?:a|aa)+)+b|(?:x+x+)+y'}"));
        Tokenizer tokenizer = read(json);
        assertTimeoutPreemptively(
                Duration.ofSeconds(20), () -> tokenizer.encode("a".repeat(2000) + " " + "x".repeat(2000)));
    }

    private static Tokenizer read(String json) {
        return TokenizerReader.read("tokenizer.json", json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static void assertRefused(String json, String message) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> read(json));
        assertTrue(error.getMessage().startsWith("tokenizer.json: "), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
