package browser_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// place is the area of the i-th target of a pictured page.
func place(i int) image.Rectangle { return image.Rect(100, 80*(i+1), 500, 80*(i+1)+40) }

// picturedPage returns a page with one target below the other.
func picturedPage(targets ...string) string {
	var body strings.Builder
	body.WriteString(`<style>body { background: #fff } .at { position: absolute; left: 100px; width: 400px; height: 40px; font: 20px sans-serif; margin: 0; padding: 0; box-sizing: border-box }</style>`)
	for i, target := range targets {
		body.WriteString(strings.ReplaceAll(target, "@", fmt.Sprintf(`class="at" style="top: %dpx"`, place(i).Min.Y)))
	}
	return body.String()
}

const pictured = "kco_live_api_pictured"

// blank is the maximum number of colours of an area without readable text: those of its border and background.
const blank = 20

func TestPicture_HidesSecretsAndFields(t *testing.T) {
	t.Parallel()
	// Only the first may be readable.
	targets := []string{
		`<h1 @>A heading that is seen</h1>`,
		`<input @ value="` + pictured + `">`,
		`<textarea @>` + pictured + `</textarea>`,
		`<dialog open aria-label="New" @>Your key: <b style="visibility: visible">` + pictured + `</b></dialog>`,
		`<div role="dialog" @>` + pictured + `</div>`,
		`<p @>Your secret is kco_live<b>_api_</b>pictured</p>`,
		`<p @ id="later"></p><script>setInterval(() => { document.getElementById("later").textContent = "` + pictured + `" }, 0)</script>`,
		`<div @ id="shadow"></div><script>document.getElementById("shadow").attachShadow({ mode: "open" }).innerHTML = "<input value='` + pictured + `'><p>` + pictured + `</p>"</script>`,
		`<select @><option>` + pictured + `</select><div id="closed"></div><script>
			document.getElementById("closed").attachShadow({ mode: "closed" }).innerHTML = "<div role='dialog' style='position: absolute; top: 80px; left: 600px'>` + pictured + `</div>";
		</script>`,
	}
	dir := filepath.Join(t.TempDir(), "not", "yet")
	s := servePage(t, picturedPage(targets...))
	s.Words = browser.NewWords(browser.Table{"seen": {"A heading that is seen"}}, nil)
	tab := s.open(t, browser.Options{Timeout: short, DebugDir: dir})
	_, err := find(t.Context(), tab, step(), action("Go"))
	failed := wantStepError(t, err, browser.NotFound)
	if failed.Picture == "" || !strings.Contains(err.Error(), failed.Picture) {
		t.Fatalf("the error does not name a picture: %v", err)
	}
	wantMode(t, failed.Picture, 0o600)
	wantMode(t, dir, 0o700)
	shown := readPicture(t, failed.Picture)
	if n := colours(shown, place(0)); n <= blank {
		t.Error("the picture does not show the heading")
	}
	if n := colours(shown, image.Rect(590, 70, 1000, 110)); n > blank {
		t.Errorf("the area of a dialog in a closed shadow root has %d colours, want it blank", n)
	}
	for i := 1; i < len(targets); i++ {
		area := place(i).Inset(-10)
		if seen := colours(shown, area); seen > blank || !area.In(shown.Bounds()) {
			t.Errorf("the area of %s has %d colours, want it blank", targets[i], seen)
		}
	}
}

func readPicture(t *testing.T, name string) image.Image {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shown, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// colours returns the number of colours in an area.
func colours(shown image.Image, area image.Rectangle) int {
	seen := map[color.Color]bool{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			seen[shown.At(x, y)] = true
		}
	}
	return len(seen)
}

func TestPicture_IsOptional(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"no folder is set": "", "the folder is a file": file} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, `<p>Hello</p>`).open(t, browser.Options{Timeout: short, DebugDir: dir})
			_, err := find(t.Context(), tab, step(), action("Go"))
			if failed := wantStepError(t, err, browser.NotFound); failed.Picture != "" {
				t.Errorf("the error names the picture %s", failed.Picture)
			}
		})
	}
}
