package rotation_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestStartOperation_LastOneReturnsPendingKeys(t *testing.T) {
	t.Parallel()
	for name, named := range map[string]bool{"no object names the dead shop's store": false, "a later object names the store": true} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M2-old"}, m1("M1-old"))
			env.shops.before = failDead
			leaveFirst, leaveLast := env.engine.StartOperation(), env.engine.StartOperation()
			var record rotation.Record
			if kept := env.wantKept(env.connect(config(), &record)); !kept.IsPending() {
				t.Fatalf("kept %v", kept)
			}
			if left := leaveFirst(); left != nil {
				t.Errorf("the first of two operations returns %v", left)
			}
			if named {
				env.engine.Shops.NoteConfigured("dead", "M2", "")
			}
			env.engine.RetryPending(t.Context())
			if left := leaveLast(); named != (len(left) == 0) || !named && (left[0].Shop != "a" || left[0].Key.Username != "M1-old") {
				t.Errorf("the last operation returns %v", left)
			}
			if again := env.engine.StartOperation()(); again != nil {
				t.Errorf("the next operation returns %v again", again)
			}
			want := []string{record.Username}
			if !named {
				want = append(want, "M1-old")
			}
			env.wantKeys(want...)
		})
	}
}
