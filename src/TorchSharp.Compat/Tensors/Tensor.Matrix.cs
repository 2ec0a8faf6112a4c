namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Call("matmul", this, target);
        public Tensor mm(Tensor target) => Call("mm", this, target);
        public Tensor mv(Tensor target) => Call("mv", this, target);
        public Tensor bmm(Tensor batch2) => Call("bmm", this, batch2);
        public Tensor dot(Tensor target) => Call("dot", this, target);
        public Tensor outer(Tensor vec2) => Call("outer", this, vec2);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Call("addmm", this, mat1, mat2, beta, alpha);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Update("addmm_", this, mat1, mat2, beta, alpha);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => Call("addmv", this, mat, vec, beta, alpha);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => Call("baddbmm", this, batch1, batch2, beta, alpha);
        public Tensor tensordot(Tensor b, long[] dims1, long[] dims2) => Call("tensordot", this, b, dims1, dims2);
        public Tensor det() => Call("det", this);
        public Tensor inverse() => Call("inverse", this);
    }
}
