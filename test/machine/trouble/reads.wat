;; A WASI module that reads the file its request names, within the first folder it was given. reads.wasm is made from it: wat2wasm reads.wat
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 32)
  (func (export "unum_reserve") (param i32) (result i32) (i32.const 1024))
  ;; The reply is what it read, or nothing but the text of failure. 3 is the first folder; 0 holds the descriptor, 8 the vector, 16 the count.
  (func (export "read") (param $path i32) (param $length i32) (param $reply i32) (param $limit i32) (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
      (then (return (i32.const -1))))
    (i32.store (i32.const 8) (local.get $reply))
    (i32.store (i32.const 12) (local.get $limit))
    (if (call $fd_read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16))
      (then (return (i32.const -1))))
    (i32.load (i32.const 16))))
