package rotation

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLocalCache_KeepsUsernamesBetweenRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shops")
	s := LocalCache{Dir: dir}
	if got := s.lastUsername("butikk"); got != "" {
		t.Errorf("before anything was seen: %q", got)
	}
	for _, username := range []string{"M00123456-aB3dE", "M00123456-new01", ""} {
		s.recordUsername("butikk", username)
	}
	if got := (LocalCache{Dir: dir}).lastUsername("butikk"); got != "M00123456-new01" {
		t.Errorf("the next run reads %q", got)
	}
	s.recordUsername("../../shop", "M00123456-aB3dE")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestLocalCache_WithoutFolderIsEmpty(t *testing.T) {
	t.Parallel()
	for _, s := range []LocalCache{{}, {Dir: filepath.Join(os.DevNull, "shops")}} {
		s.recordUsername("butikk", "M00123456-aB3dE")
		s.recordReplacement("butikk", replacement{Username: "M00123456-new01", Keys: []KeyRef{{Username: "M00123456-aB3dE"}}})
		if username, keys := s.lastUsername("butikk"), s.replacedBy("butikk", "M00123456-new01"); username != "" || keys != nil {
			t.Errorf("%+v has %q and %v", s, username, keys)
		}
	}
}

func TestLocalCache_KeepsReplacedKeysBetweenRuns(t *testing.T) {
	t.Parallel()
	s := LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	old := KeyRef{MerchantID: "M00123456", CredentialID: "M00123456/1", Username: "M00123456-aB3dE"}
	s.recordReplacement("butikk", replacement{Username: "M00123456-new01", Keys: []KeyRef{old}})
	if got := s.replacedBy("butikk", "M00123456-new01"); !slices.Equal(got, []KeyRef{old}) {
		t.Errorf("the next run reads %v", got)
	}
	for _, held := range []string{"M00123456-other", ""} {
		if got := s.replacedBy("butikk", held); got != nil {
			t.Errorf("of a shop that holds %q, it reads %v", held, got)
		}
	}
	if got := s.replacedBy("nettbutikk", "M00123456-new01"); got != nil {
		t.Errorf("of another shop, it reads %v", got)
	}
}
