package shoplist

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const plain = "shop,merchant_id,description,wave,Web Site\n" +
	"fjellsport,M00412871,terraform: fjellsport,1,https://fjellsport.example\n" +
	"kaffebonna,K537204,,2,Kaffebønna\n"

// TestParseShops_ReadsWhatSpreadsheetsSave expects one list in all forms in which it may be saved.
func TestParseShops_ReadsWhatSpreadsheetsSave(t *testing.T) {
	semicolons := strings.ReplaceAll(plain, ",", ";")
	tabs := strings.ReplaceAll(plain, ",", "\t")
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	encode := func(encoder interface{ String(string) (string, error) }, text string) string {
		encoded, err := encoder.String(text)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	for name, content := range map[string]string{
		"plain":                    plain,
		"no end of line":           strings.TrimSuffix(plain, "\n"),
		"byte order mark":          "\uFEFF" + windows(plain),
		"semicolons":               windows(semicolons),
		"tabs":                     tabs,
		"carriage returns":         strings.ReplaceAll(plain, "\n", "\r"),
		"Windows-1252":             encode(charmap.Windows1252.NewEncoder(), windows(semicolons)),
		"UTF-16, little endian":    encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), windows(tabs)),
		"UTF-16, big endian":       encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), windows(tabs)),
		"sep=;":                    windows("sep=;\n" + semicolons),
		"sep=| with a mark":        "\uFEFFSEP=|\n" + strings.ReplaceAll(plain, ",", "|"),
		"sep= and a tab":           "sep=\t\n" + tabs,
		"quoted sep":               "\"sep=;\"\n" + semicolons,
		"padded":                   strings.ReplaceAll(plain, ",", " ,\u00A0"),
		"quoted":                   `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(plain, "\n")) + `"`,
		"spaces before quotes":     strings.ReplaceAll(plain, ",K537204,", `, "K537204",`),
		"headers in capitals":      strings.Replace(plain, "shop,merchant_id,description,wave", "SHOP,Merchant ID,Description,Wave", 1),
		"empty rows":               "\n" + strings.Replace(plain, "kaffebonna", ",,,,\n\nkaffebonna", 1) + ",,,,\n\n",
		"empty columns at the end": strings.ReplaceAll(plain, "\n", ",,\n"),
		"columns in another order": "wave,web-site,description,merchant_id,shop\n" +
			"1,https://fjellsport.example,terraform: fjellsport,M00412871,fjellsport\n2,Kaffebønna,,K537204,kaffebonna\n",
	} {
		shops, err := ParseShops([]byte(content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []Shop{
			{"fjellsport", "M00412871", "terraform: fjellsport", 1, map[string]string{"web_site": "https://fjellsport.example"}},
			{"kaffebonna", "K537204", "", 2, map[string]string{"web_site": "Kaffebønna"}},
		}
		if fmt.Sprint(shops) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, shops, want)
		}
	}
}

func TestParseShops_ListWithoutWavesIsOneWave(t *testing.T) {
	shops, err := ParseShops([]byte("shop,merchant_id\nfjellsport,M00412871\n"))
	if err != nil || len(shops) != 1 || shops[0].Wave != 1 || shops[0].Description != "" {
		t.Errorf("got %v, %v", shops, err)
	}
}

func TestParseShops_NamesRowAndColumn(t *testing.T) {
	const header = "shop,merchant_id,wave\n"
	const secret = "kco_live_api_example"
	for name, test := range map[string]struct {
		list   string
		shared []string
		want   string
	}{
		"twice":           {list: header + "fjellsport,M1,1\nullogtre,M2,1\nFjellsport,M3,1\n", want: "Row 4, column A (shop): The shop Fjellsport is in the list more than once: row 2 has it too."},
		"no name":         {list: header + ",M1,1\n", want: "Row 2, column A (shop): The empty cell is not the name of a Mystore shop."},
		"space in a name": {list: header + "kaffe bønna,M1,1\n", want: `Row 2, column A (shop): "kaffe bønna" is not the name of a Mystore shop.`},
		"no ID":           {list: header + "fjellsport,00412871,1\n", want: `Row 2, column B (merchant_id): "00412871" is not a merchant ID. A merchant ID is M, K or N`},
		"copied row":      {list: header + "fjellsport,M1,1\nullogtre,M1,1\n", want: "Row 3, column B (merchant_id): The shops fjellsport and ullogtre have one merchant ID, M1. If they do share a store"},
		"other shared":    {list: header + "fjellsport,M1,1\nullogtre,M1,1\n", shared: []string{"M2"}, want: "have one merchant ID, M1"},
		"wave":            {list: header + "fjellsport,M1,first\n", want: `Row 2, column C (wave): "first" is not a wave.`},
		"wave 0":          {list: header + "fjellsport,M1,0\n", want: `"0" is not a wave.`},
		"no wave":         {list: header + "fjellsport,M1,1\nullogtre,M2\n", want: "Row 3, column C (wave): The empty cell is not a wave."},
		"description":     {list: "shop,merchant_id,description\nfjellsport,M1,Fjellsport på nett\n", want: `Row 2, column C (description): "Fjellsport på nett" is not the description of a key.`},
		"secret described": {list: "shop,merchant_id,description\nfjellsport,M1," + secret + "\n", want: "Row 2, column " +
			"C (description): The cell (not shown"},
		"no shops":        {list: header, want: "The list has no shops."},
		"only empty rows": {list: header + ",,\n", want: "The list has no shops."},
		"nothing":         {list: "\uFEFF\r\n", want: "The list is empty."},
		"no column":       {list: "shop,store\nfjellsport,M1\n", want: "The list has no column merchant_id."},
		"no separator":    {list: "fjellsport\n", want: "The list has no column shop."},
		"header twice": {list: "shop,merchant_id,Shop\nfjellsport,M1,x\n", want: "Row 1, column C: Another column " +
			"has the same name."},
		"long row":          {list: header + "fjellsport,M1,1,x\n", want: "Row 2, column D: The column has no header, and this cell is not empty."},
		"quotation mark":    {list: header + "fjellsport,M1,1\nfjell\"sport,M1,1\n", want: "Row 3: A quotation mark is out of place."},
		"empty rows count":  {list: header + "\n\nfjellsport,00412871,1\n", want: "Row 4, column B"},
		"long cells do not": {list: header + "\"fjell\nsport\",M1,1\nullogtre,M2,x\n", want: "Row 3, column C"},
		"sep does not":      {list: "sep=,\n" + header + "fjellsport,00412871,1\n", want: "Row 2, column B"},
		"workbook":          {list: "PK\x03\x04...", want: "This is a workbook, not a text file."},
		"UTF-16 unmarked":   {list: "s\x00h\x00o\x00p\x00", want: "The file looks like UTF-16 without a byte order mark."},
		"not Windows-1252":  {list: header + "fjellsport,M1,1\n\x81\x8d", want: "The file has lost some characters"},
		"two mistakes":      {list: header + "fjellsport,1,1\nullogtre,2,1\n", want: "Row 3, column B (merchant_id): \"2\""},
		"secret": {list: header + secret + "," + secret + ",1\n", want: "The cell (not shown, because it may " +
			"be a secret) is not a merchant ID."},
	} {
		_, err := ParseShops([]byte(test.list), test.shared...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows a secret", name)
		}
	}
}

func TestParseShops_SharedMerchantID(t *testing.T) {
	shops, err := ParseShops([]byte("shop,merchant_id\nfjellsport,M1\nullogtre,M1\n"), "M1")
	if err != nil || len(shops) != 2 {
		t.Errorf("got %v, %v", shops, err)
	}
}

func TestParseDraft_LeavesMerchantIDsToBeFound(t *testing.T) {
	for list, want := range map[string][]string{
		"shop\nfjellsport\nullogtre\n":                     {"fjellsport=", "ullogtre="},
		"shop,merchant_id\nfjellsport,M1\nullogtre,\n":     {"fjellsport=M1", "ullogtre="},
		"shop;merchant_id\r\nfjellsport;M1\r\nullogtre;M1": {"fjellsport=M1", "ullogtre=M1"},
	} {
		shops, err := ParseDraft([]byte(list))
		var got []string
		for _, shop := range shops {
			got = append(got, shop.Name+"="+shop.MerchantID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v", list, got, err)
		}
	}
	for list, want := range map[string]string{
		"merchant_id\nM1\n":                    "The list has no column shop.",
		"shop,merchant_id\nfjellsport,x1\n":    `"x1" is not a merchant ID.`,
		"shop\nfjellsport\nFjellsport\n":       "in the list more than once",
		"shop,wave\nfjellsport,1\nullogtre,\n": "is not a wave",
	} {
		if shops, err := ParseDraft([]byte(list)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q", list, shops, err, want)
		}
	}
}

func TestError_CountsWhatItHasNoRoomFor(t *testing.T) {
	list := "shop,merchant_id\n" + strings.Repeat(" -,M1\n", 30)
	_, err := ParseShops([]byte(list))
	if err == nil || !strings.HasSuffix(err.Error(), "more.") || strings.Count(err.Error(), "\n") != shownProblems {
		t.Errorf("got %v", err)
	}
}

func TestParseTokens_ReadsCSVAndJSON(t *testing.T) {
	want := map[string]string{"fjellsport": "token-1", "kaffebonna": "token-2"}
	unicodeText, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("shop\ttoken\r\nfjellsport\ttoken-1\r\nkaffebonna\ttoken-2\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"JSON":             `{"fjellsport": "token-1", "kaffebonna": "token-2"}`,
		"JSON with a mark": "\uFEFF\r\n{\"fjellsport\" : \" token-1\",\r\n\"kaffebonna \":\"token-2\\n\"}\r\n",
		"CSV":              "shop,token\nfjellsport,token-1\nkaffebonna,token-2\n",
		"Unicode text":     unicodeText,
		"Excel":            "\uFEFFShop;Token;Note\r\n fjellsport ; token-1 ;\r\nkaffebonna;token-2;x\r\n",
	} {
		tokens, err := ParseTokens([]byte(content))
		if err != nil || !maps.Equal(tokens, want) {
			t.Errorf("%s: got %v, %v", name, tokens, err)
		}
	}
}

// TestParseTokens_NeverQuotesTheFile expects what is wrong to be named with its place, and no token.
func TestParseTokens_NeverQuotesTheFile(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"cut off":        {"{\n\"a\": \"hush\",\n\"b\": \"hush", "Line 3 is not part of a JSON object"},
		"list":           {`["hush"]`, "Line 1 is not part of a JSON object"},
		"number":         {`{"a": 1}`, "Line 1 is not part of a JSON object"},
		"null":           {`{"a": null}`, "Line 1 is not part"},
		"two objects":    {"{}\n{\"hush\":\"hush\"}", "is not part"},
		"JSON twice":     {`{"a": "hush", "a": "hush"}`, "The shop a is in the file more than once."},
		"CSV twice":      {"shop,token\na,hush\na,hush\n", "Row 3, column A (shop): The shop a is in the file more than once."},
		"swapped":        {"shop,token\nhush hush,a\n", "Row 2, column A (shop): The cell is not the name of a Mystore shop."},
		"no token":       {"shop,token\na,\n", "Row 2, column B (token): The token of shop a is empty."},
		"quotation mark": {"shop,token\na,hu\"sh\n", "Row 2: A quotation mark is out of place."},
		"empty":          {"", "The list is empty."},
	} {
		_, err := ParseTokens([]byte(test.content))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// FuzzParse expects no content to make the parsers panic, and what they accept to be in order.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{plain, `{"fjellsport": "token"}`, "sep=;\nshop;token\na;b\n", "\xFF\xFEs\x00", "sep=\"\nx"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		shops, err := ParseShops(content)
		if err == nil && len(shops) == 0 {
			t.Error("an empty list is accepted")
		}
		for _, shop := range shops {
			if !IsName(shop.Name) || shop.Wave < 1 {
				t.Errorf("accepted: %+v", shop)
			}
		}
		drafted, err := ParseDraft(content)
		if err != nil && len(shops) > 0 || err == nil && len(drafted) == 0 {
			t.Errorf("as a draft: %v, %v", drafted, err)
		}
		if tokens, err := ParseTokens(content); err == nil && tokens == nil {
			t.Error("no tokens, and no error")
		}
	})
}
