package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

func TestWrite_IsWholeOrNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	for _, text := range []string{"one", "another"} {
		if err := wholefile.Write(name, "new-*", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("the file has %q, %v", got, err)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if wholefile.Write(folder, "new-*", nil) == nil || wholefile.Write(filepath.Join(dir, "missing", "a"), "new-*", nil) == nil {
		t.Error("it says that it has written what it can't")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
}
