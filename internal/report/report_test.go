package report_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/net/html"

	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
)

// documents are what Terraform printed for the examples.
func documents(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents (%v)", err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = content
	}
	return all
}

func read(t testing.TB, document []byte) *report.Report {
	t.Helper()
	r, err := report.Read(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func markdown(t testing.TB, r *report.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func page(t testing.TB, r *report.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.HTML(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestMarkdown_MatchesExamples holds the reports of the examples to the files beside them.
func TestMarkdown_MatchesExamples(t *testing.T) {
	t.Parallel()
	for name, document := range documents(t) {
		want, err := os.ReadFile(filepath.Join("testdata", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		if got := markdown(t, read(t, document)); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// The page has the summary, and a row for every shop.
func TestHTML_HasAllThatMarkdownHas(t *testing.T) {
	t.Parallel()
	for name, document := range documents(t) {
		r := read(t, document)
		text := page(t, r)
		if !strings.Contains(text, "<h1>"+r.Summary()+"</h1>") {
			t.Errorf("%s: the page does not begin with %q", name, r.Summary())
		}
		if rows := strings.Count(text, "<tr "); rows != len(r.Shops) {
			t.Errorf("%s: the page has %d rows for %d shops", name, rows, len(r.Shops))
		}
		shown := visible(t, text)
		for _, s := range r.Shops {
			for _, want := range []string{s.Name, s.Store, string(s.Status), s.Old, s.Why} {
				if !strings.Contains(shown, want) {
					t.Errorf("%s: the page does not show %q of %s", name, want, s.Name)
				}
			}
			for _, n := range s.Notes {
				if !strings.Contains(shown, n.What) || !strings.Contains(shown, n.Next) {
					t.Errorf("%s: the page does not show that %s needs attention", name, s.Name)
				}
			}
		}
		for _, loads := range []string{"http://", "https://", "src=", "@import", "url("} {
			if strings.Contains(text, loads) {
				t.Errorf("%s: the page loads something: %s", name, loads)
			}
		}
	}
}

// visible returns the text that a page shows.
func visible(t testing.TB, text string) string {
	t.Helper()
	document, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for node := range document.Descendants() {
		if node.Type == html.TextNode && node.Parent.Data != "script" && node.Parent.Data != "style" {
			shown.WriteString(node.Data)
		}
	}
	return shown.String()
}

// The last line can be a notification, because it has no markup.
func TestMarkdown_EndsWithTheSummary(t *testing.T) {
	t.Parallel()
	for name, document := range documents(t) {
		r := read(t, document)
		text := markdown(t, r)
		if !strings.HasPrefix(text, "**"+r.Summary()+"**\n") || !strings.HasSuffix(text, "\n"+r.Summary()+"\n") {
			t.Errorf("%s: the report does not begin and end with %q", name, r.Summary())
		}
	}
}

// planted is the form of what must not be in a report.
var planted = regexp.MustCompile(`(?i)planted`)

// TestReport_HoldsNoSecret puts a secret into every text of a document, and into every text that is marked as sensitive
// another one that has no form.
func TestReport_HoldsNoSecret(t *testing.T) {
	t.Parallel()
	for name, document := range documents(t) {
		var value any
		if err := json.Unmarshal(document, &value); err != nil {
			t.Fatal(err)
		}
		n := 0
		changed, err := json.Marshal(plant(value, "", &n))
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, changed)
		if len(r.Shops) == 0 || n < 20 {
			t.Fatalf("%s: with %d secrets, the report has %d shops: the test shows nothing", name, n, len(r.Shops))
		}
		for _, text := range []string{markdown(t, r), page(t, r)} {
			if found := planted.FindStringIndex(text); found != nil {
				t.Errorf("%s: a secret is in the report: %s", name, text[max(0, found[0]-80):found[1]])
			}
		}
	}
}

// plant returns a value with a secret added to every text, but to those that say what an object is.
func plant(value any, name string, n *int) any {
	switch value := value.(type) {
	case string:
		if slices.Contains([]string{"format_version", "type", "mode", "actions", "status", "deletion_policy"}, name) {
			return value
		}
		*n++
		return fmt.Sprintf("%s kco_live_api_PLANTED%d", value, *n)
	case map[string]any:
		for key, element := range value {
			value[key] = plant(element, key, n)
		}
	case []any:
		for i, element := range value {
			value[i] = plant(element, name, n)
		}
	}
	return value
}

// What is marked as sensitive is not shown, whatever its form, and neither is what
// repeats it.
func TestReport_HoldsNoSensitiveValue(t *testing.T) {
	t.Parallel()
	const secret = "correct-horse-planted"
	sensitive := map[string]any{"shop": true, "merchant_id": true, "keys_to_delete": []any{map[string]any{"username": true}}}
	connection := map[string]any{
		"shop": secret + "-1", "merchant_id": secret + "-2", "username": "M1-a", "reason": "the shop uses " + secret + "-3, a key of another store",
		"last_error":     "refused " + secret + "-1 and " + secret + "-4 and " + secret + "-5",
		"keys_to_delete": []any{map[string]any{"username": secret + "-3"}},
	}
	for _, document := range []map[string]any{
		{"format_version": "1.0", "values": map[string]any{
			"outputs": map[string]any{
				"a": map[string]any{"sensitive": true, "value": []any{secret + "-4"}},
				"b": map[string]any{"sensitive": true, "value": map[string]any{"c": secret + "-5"}},
			},
			"root_module": map[string]any{"resources": []any{map[string]any{
				"type": "kustom_mystore_connection", "values": connection, "sensitive_values": sensitive,
			}}},
		}},
		{
			"format_version": "1.2", "resource_changes": []any{map[string]any{"type": "kustom_mystore_connection", "change": map[string]any{
				"actions": []any{"update"}, "before": connection, "after": connection, "before_sensitive": sensitive, "after_sensitive": sensitive,
			}}},
			"variables": map[string]any{
				"wave": map[string]any{"value": secret + "-4"}, "tokens": map[string]any{"value": map[string]any{"a": secret + "-5"}},
			},
			"configuration": map[string]any{"root_module": map[string]any{"variables": map[string]any{
				"wave": map[string]any{"sensitive": true}, "tokens": map[string]any{"sensitive": true},
			}}},
		},
	} {
		r := read(t, marshal(t, document))
		if len(r.Shops) != 1 || r.Shops[0].Status != report.Failed || r.Shops[0].Name != "(sensitive)" {
			t.Fatalf("the report has %+v", r.Shops)
		}
		for _, text := range []string{markdown(t, r), page(t, r)} {
			if planted.MatchString(text) {
				t.Errorf("a sensitive value is in the report:\n%s", text)
			}
		}
	}
}

func marshal(t testing.TB, value any) []byte {
	t.Helper()
	document, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// fleet returns a state with a fleet of shops, each of which failed with the same error.
func fleet(t testing.TB, shops int, name, problem string) []byte {
	t.Helper()
	all := map[string]any{}
	for i := range shops {
		all[fmt.Sprintf(name, i)] = map[string]any{"merchant_id": fmt.Sprintf("M%08d", i), "last_error": problem}
	}
	return marshal(t, map[string]any{"format_version": "1.0", "values": map[string]any{"root_module": map[string]any{"resources": []any{
		map[string]any{"address": "kustom_mystore_fleet.all", "type": "kustom_mystore_fleet", "values": map[string]any{"shops": all}},
	}}}})
}

// A long report ends after a whole row, and says how many rows are missing.
func TestMarkdown_FitsAComment(t *testing.T) {
	t.Parallel()
	for _, shops := range []int{200, 400, 1000} {
		r := read(t, fleet(t, shops, "shop-%04d", strings.Repeat("<very> long | `error`. ", 20)))
		text := markdown(t, r)
		if len(text) > 65_536 {
			t.Errorf("the report of %d shops has %d bytes", shops, len(text))
		}
		listed := regexp.MustCompile(`(?m)^- \*\*shop-\d{4}\*\* .* includes this shop\.$`).FindAllString(text, -1)
		rows := regexp.MustCompile(`(?m)^\| shop-.* \|$`).FindAllString(text, -1)
		if len(listed) == 0 || len(rows) == 0 {
			t.Fatalf("of %d shops, %d are listed and %d in the table", shops, len(listed), len(rows))
		}
		for _, want := range []string{
			fmt.Sprintf("- … and %d more\n", shops-len(listed)), fmt.Sprintf("\n… and %d more of %d\n", shops-len(rows), shops),
			fmt.Sprintf("\nState of %d shops: %d failed; %d need attention\n", shops, shops, shops),
		} {
			if strings.Contains(want, " 0 more") != !strings.Contains(text, want) {
				t.Errorf("the report of %d shops, of which %d are listed and %d in the table, is wrong about %q", shops, len(listed), len(rows), want)
			}
		}
	}
}

// Foreign text is escaped, so that it is no markup.
func TestMarkdown_IsNotInjected(t *testing.T) {
	t.Parallel()
	const hostile = "a|b `c` <img src=x onerror=alert(1)> [d](https://evil.example) *e* _f_ @org/team #12 www.evil.example\n\n# g \\| &lt; $x$ ![h](i)"
	r := read(t, fleet(t, 1, "%d"+hostile, hostile))
	text := markdown(t, r)
	row := regexp.MustCompile(`(?m)^\| 0a.*$`).FindString(text)
	if cells := regexp.MustCompile(`(^|[^\\])(\\\\)*\|`).FindAllString(row, -1); len(cells) != 7 {
		t.Errorf("the row has %d cells: %s", len(cells)-1, row)
	}
	bare := strings.ReplaceAll(text, "<!-- -->", "")
	if strings.ContainsAny(bare, "<>") {
		t.Errorf("the report has an element:\n%s", text)
	}
	for _, wrong := range []string{"@org", "#12", "://evil", "www.evil", "\n# g", "[d]", " `c`", " *e*", " _f_"} {
		if strings.Contains(text, wrong) {
			t.Errorf("the report has %q:\n%s", wrong, text)
		}
	}
	shown := page(t, r)
	document, err := html.Parse(strings.NewReader(shown))
	if err != nil {
		t.Fatal(err)
	}
	for node := range document.Descendants() {
		if node.Data == "img" && node.Type == html.ElementNode {
			t.Errorf("the page has an image:\n%s", shown)
		}
	}
}

// For another file, the error says how to make the right one.
func TestRead_RecognizesOtherFiles(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		"":                           "nothing to read",
		" \n":                        "nothing to read",
		"PK\x03\x04":                 "a saved plan itself",
		`{"version":4,"serial":1}`:   "a state file itself",
		`{"@level":"info"}` + "\n{}": "the log that plan -json",
		`{}`:                         "not a plan or state in a known form",
		`{"format_version":"2.0"}`:   "not a plan or state in a known form",
		`[]`:                         "unexpected type",
		`{"format_version":"1.0","values":{"root_module":{"resources":"kco_live_api_PLANTED"}}}`: "unexpected type",
		"\x1b[0m":                    "can't be read as JSON",
		"Terraform will perform":     "can't be read as JSON",
		`{"format_version":"1.0"`:    "can't be read as JSON",
		"{" + `"a":"` + "\xff" + `"`: "can't be read as JSON",
	} {
		_, err := report.Read(strings.NewReader(document))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "show -json") || planted.MatchString(err.Error()) {
			t.Errorf("%q: %v, want %q", document, err, want)
		}
	}
}

// A state without resources has no values.
func TestRead_AcceptsEmptyState(t *testing.T) {
	t.Parallel()
	r := read(t, []byte(`{"format_version":"1.0"}`))
	if want := "State of 0 shops; nothing needs attention"; r.Summary() != want || r.NeedsAttention() {
		t.Errorf("the summary is %q", r.Summary())
	}
	if got := markdown(t, r); !strings.HasSuffix(got, "\n"+r.Summary()+"\n") {
		t.Errorf("the report is %q", got)
	}
	page(t, r)
}

// TestRead_AcceptsByteOrderMark reads what shells of Windows write.
func TestRead_AcceptsByteOrderMark(t *testing.T) {
	t.Parallel()
	document := documents(t)["waves-state"]
	want := markdown(t, read(t, document))
	wide := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(document))) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	for name, marked := range map[string][]byte{"UTF-8": append([]byte("\ufeff"), document...), "UTF-16": wide} {
		if got := markdown(t, read(t, marked)); got != want {
			t.Errorf("%s: the report is\n%s", name, got)
		}
	}
}

// For any input, both forms of the report can be written, and the Markdown keeps its limit.
func FuzzRead(f *testing.F) {
	for _, document := range documents(f) {
		f.Add(document)
	}
	f.Add(fleet(f, 3, "s%d", "|"))
	f.Fuzz(func(t *testing.T, document []byte) {
		r, err := report.Read(bytes.NewReader(document))
		if err != nil {
			return
		}
		if text := markdown(t, r); len(text) > 65_536 || !strings.HasSuffix(text, "\n"+r.Summary()+"\n") {
			t.Errorf("the report has %d bytes, and ends with %q", len(text), text[max(0, len(text)-100):])
		}
		page(t, r)
	})
}

// The guide shows what a report is.
func TestGuide_ShowsAReport(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../templates/guides/review-a-plan.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(guide), "\n```markdown\n")
	shown, _, _ = strings.Cut(shown, "```\n\n")
	if want := markdown(t, read(t, documents(t)["waves-plan-2"])); shown != want {
		t.Errorf("the guide shows\n%s\nwant\n%s", shown, want)
	}
}

// A sensitive output may have the names of shops and keys beside a secret. These names are shown.
func TestRead_ShowsNamesBesideSecret(t *testing.T) {
	t.Parallel()
	var state map[string]any
	if err := json.Unmarshal(documents(t)["switch-state"], &state); err != nil {
		t.Fatal(err)
	}
	values, ok := state["values"].(map[string]any)
	if !ok {
		t.Fatal("the state has no values")
	}
	values["outputs"] = map[string]any{"all": map[string]any{"sensitive": true, "value": map[string]any{
		"shop": "fjellsport", "id": "M00412871", "short": []any{"", "0", "e", "ne"},
	}}}
	if got, want := markdown(t, read(t, marshal(t, state))), markdown(t, read(t, documents(t)["switch-state"])); got != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}
